// JobRunner
