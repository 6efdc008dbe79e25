/// A factory of closures.
struct ClosureFactory<Object>: PreparingObjectFactory {
  let made: @Sendable () async throws -> Object
  let validated: (@Sendable (Object) async throws -> Bool)?
  let prepared: (@Sendable (Object) async throws -> Void)?
  let forgotten: (@Sendable (Object) async throws -> Void)?
  let disposed: (@Sendable (Object) async throws -> Void)?

  func make() async throws -> Object { try await made() }
  func validate(_ object: Object) async throws -> Bool { try await validated?(object) ?? true }
  func prepare(_ object: Object) async throws { try await prepared?(object) }
  func reset(_ object: Object) async throws { try await forgotten?(object) }
  func dispose(_ object: Object) async throws { try await disposed?(object) }
}

/// A factory of closures that block.
struct BlockingClosureFactory<Object>: PreparingBlockingObjectFactory {
  let made: @Sendable () throws -> Object
  let validated: (@Sendable (Object) throws -> Bool)?
  let prepared: (@Sendable (Object) throws -> Void)?
  let forgotten: (@Sendable (Object) throws -> Void)?
  let disposed: (@Sendable (Object) throws -> Void)?

  func make() throws -> Object { try made() }
  func validate(_ object: Object) throws -> Bool { try validated?(object) ?? true }
  func prepare(_ object: Object) throws { try prepared?(object) }
  func reset(_ object: Object) throws { try forgotten?(object) }
  func dispose(_ object: Object) throws { try disposed?(object) }
}
