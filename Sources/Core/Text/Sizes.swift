// Sizes in bytes have one format for each kind of place. All units are powers of 1024.
//
//   sizeText         512 B, 31.2 MB, 1.5 GB    in a sentence
//   compactSizeText  512 B, 1.2 MB, 31 MB      in a column
//   optionSizeText   64K, 100M, 1000 bytes     as a command line takes it

/// A size in a sentence, with one decimal unless it is 0: `512 B`, `31.2 MB`, `2 MB`, `-1.5 GB`. The largest unit is
/// TB.
///
/// Up to five digits distinguish a worker's memory from the limit that it exceeds: `100.3 MB` from `100 MB`.
public func sizeText(_ bytes: some BinaryInteger) -> String {
  inOneUnit(bytes, from: 1023.95) { decimalText($0, decimals: 1, keepsZeros: false) }
}

/// A size in a column, with two or three digits, four below 1024 of a unit: `512 B`, `1.2 MB`, `31 MB`, `1023 KB`,
/// `-3.4 KB`. The largest unit is TB.
public func compactSizeText(_ bytes: some BinaryInteger) -> String {
  inOneUnit(bytes, from: 1023.5) { decimalText($0, decimals: $0 < 9.95 ? 1 : 0) }
}

/// A size as a command line takes it, exactly, in the largest unit that needs no decimals: `64K`, `100M`, `1536K`,
/// `1024T`; in a sentence otherwise: `1000 bytes`.
public func optionSizeText(_ bytes: some BinaryInteger) -> String {
  for (unit, size) in [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)] as [(String, Int64)]
  where bytes > 0 && Int64(clamping: bytes) % size == 0 {
    return "\(Int64(clamping: bytes) / size)\(unit)"
  }
  return plural(bytes, "byte")
}

/// - Parameter least: From this number on the next unit is used, as it would be rounded to 1024.
private func inOneUnit(_ bytes: some BinaryInteger, from least: Double, _ text: (Double) -> String) -> String {
  let sign = bytes < 0 ? "-" : ""
  let size = UInt64(clamping: bytes.magnitude)
  if size < 1024 { return "\(sign)\(size) B" }
  var (number, unit) = (Double(size) / 1024, 0)
  while number >= least, unit < 3 { (number, unit) = (number / 1024, unit + 1) }
  return "\(sign)\(text(number)) \(["KB", "MB", "GB", "TB"][unit])"
}
