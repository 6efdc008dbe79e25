import Testing

@Suite struct WireFormatsTestsPlaceholder {}
