import Testing

@Suite struct LinuxIOTestsPlaceholder {}
