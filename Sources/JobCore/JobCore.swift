// JobCore
