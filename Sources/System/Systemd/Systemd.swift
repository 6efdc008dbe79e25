public import CSystemd
import LinuxIO

/// The functions of libsystemd that we use.
public typealias Systemd = prefork_systemd

extension prefork_systemd {
  /// Loads the library, which most starts can do without.
  public static func load() throws(SystemError) -> Systemd {
    var library = Systemd()
    if prefork_systemd_load(&library) < 0 { throw .missingLibrary("libsystemd.so.0", package: "libsystemd0") }
    return library
  }
}
