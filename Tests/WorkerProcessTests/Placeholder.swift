import Testing

@Suite struct WorkerProcessTestsPlaceholder {}
