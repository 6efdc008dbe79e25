/// A table of elements that cannot be copied, by index; an array cannot contain them. All of it can be inlined, because
/// workers are looked up here many times per job.
public struct Slab<Element: ~Copyable>: ~Copyable {
  @usableFromInline var places = UnsafeMutablePointer<Element>.allocate(capacity: 0)
  @usableFromInline var isOccupied: [Bool] = []
  @usableFromInline var elements = 0

  /// An empty slab.
  public init() {}

  /// How many there are.
  @inlinable public var count: Int { elements }

  deinit {
    for index in isOccupied.indices where isOccupied[index] { (places + index).deinitialize(count: 1) }
    places.deallocate()
  }

  /// All indices that can be occupied.
  @inlinable public var indices: Range<Int> { isOccupied.indices }

  /// Whether something is there.
  @inlinable public func holds(_ index: Int) -> Bool { index < isOccupied.count && isOccupied[index] }

  /// What is at an occupied index.
  @inlinable public subscript(index: Int) -> Element {
    _read {
      precondition(isOccupied[index])
      yield places[index]
    }
    _modify {
      precondition(isOccupied[index])
      yield &places[index]
    }
  }

  /// Puts something at an empty index.
  @inlinable public mutating func insert(_ element: consuming Element, at index: Int) {
    reserve(index)
    precondition(!isOccupied[index])
    (places + index).initialize(to: element)
    isOccupied[index] = true
    elements += 1
  }

  /// Empties an index.
  @inlinable public mutating func remove(_ index: Int) {
    precondition(isOccupied[index])
    isOccupied[index] = false
    elements -= 1
    (places + index).deinitialize(count: 1)
  }

  /// Takes out what is at an occupied index.
  @inlinable public mutating func take(_ index: Int) -> Element {
    precondition(isOccupied[index])
    isOccupied[index] = false
    elements -= 1
    return (places + index).move()
  }

  /// The lowest empty index.
  @inlinable public var firstEmpty: Int { isOccupied.firstIndex(of: false) ?? isOccupied.count }

  @usableFromInline mutating func reserve(_ index: Int) {
    guard index >= isOccupied.count else { return }
    let capacity = max(index + 1, 2 * isOccupied.count)
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    for old in isOccupied.indices where isOccupied[old] {
      (larger + old).moveInitialize(from: places + old, count: 1)
    }
    places.deallocate()
    places = larger
    isOccupied += Array(repeating: false, count: capacity - isOccupied.count)
  }
}
