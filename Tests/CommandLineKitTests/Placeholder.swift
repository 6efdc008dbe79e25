import Testing

@Suite struct CommandLineKitTestsPlaceholder {}
