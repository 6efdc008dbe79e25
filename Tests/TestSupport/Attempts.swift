/// True as soon as one of five attempts shows it: for what is not seen when the machine stalls in the middle of an
/// attempt.
public func inOneOfFiveAttempts(_ attempt: () throws -> Bool) rethrows -> Bool {
  for _ in 0..<4 where try attempt() { return true }
  return try attempt()
}

/// The same for what waits.
public func inOneOfFiveAttempts(_ attempt: () async throws -> Bool) async rethrows -> Bool {
  for _ in 0..<4 { if try await attempt() { return true } }
  return try await attempt()
}
