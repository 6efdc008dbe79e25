import Testing

@Suite struct EventLoopTestsPlaceholder {}
