import Testing

@Suite struct PoolCoreTestsPlaceholder {}
