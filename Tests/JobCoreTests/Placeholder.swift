import Testing

@Suite struct JobCoreTestsPlaceholder {}
