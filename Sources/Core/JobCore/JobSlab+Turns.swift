/// Turns: the clients with queued jobs, in a binary heap with the next one at the top.
///
/// Those that are paused stand behind all others. The highest priority goes first wherever it waits; among equals the
/// client with the fewest leased jobs; and among those in turn.
extension JobSlab {
  /// A lease goes to a job that is queued: it leaves the queue.
  mutating func beginLease(_ index: Int) {
    lastTurn += 1
    dequeue(index, turn: lastTurn)
  }

  /// Its key changes: the caller must move it to its place.
  mutating func endTurn(_ client: Int) {
    lastTurn += 1
    clients[client].turn = lastTurn
  }

  @inline(__always)
  mutating func endLease(_ index: Int) {
    let client = Int(records[index].client)
    clients[client].counts.leased -= 1
    if clients[client].counts.queued > 0 { reposition(client) }
  }

  /// None of its queued jobs goes, or they go again.
  mutating func setPaused(_ client: Int, _ isPaused: Bool) {
    guard clients[client].isPaused != isPaused else { return }
    clients[client].isPaused = isPaused
    let queued = clients[client].counts.queued
    pausedCount += isPaused ? queued : -queued
    if queued > 0 { reposition(client) }
  }

  mutating func startWaiting(_ client: Int) {
    if waitingCount == waiting.count { waiting.append(UInt32(client)) }
    waitingCount += 1
    // The client that was last at the top still has its place there.
    if waitingCount == 1, waiting[0] == UInt32(client) { return }
    put(client, at: waitingCount - 1)
    moveUp(client)
  }

  mutating func stopWaiting(_ client: Int) {
    waitingCount -= 1
    let place = clients[client].place
    guard place != waitingCount else { return }
    let last = Int(waiting[waitingCount])
    put(last, at: place)
    reposition(last)
  }

  /// Moves the client to its new place when what it is ordered by has changed.
  @inline(__always)
  mutating func reposition(_ client: Int) {
    if waitingCount > 1 { repositionAmongOthers(client) }
  }

  private mutating func repositionAmongOthers(_ client: Int) {
    if !moveUp(client) { moveDown(client) }
  }

  /// Whether it moved.
  @discardableResult
  private mutating func moveUp(_ client: Int) -> Bool {
    let start = clients[client].place
    var place = start
    while place > 0 {
      let parent = (place - 1) / 2
      let other = Int(waiting[parent])
      guard isTurn(of: client, before: other) else { break }
      put(other, at: place)
      place = parent
    }
    guard place != start else { return false }
    put(client, at: place)
    return true
  }

  private mutating func moveDown(_ client: Int) {
    let start = clients[client].place
    var place = start
    while true {
      var child = 2 * place + 1
      guard child < waitingCount else { break }
      if child + 1 < waitingCount, isTurn(of: Int(waiting[child + 1]), before: Int(waiting[child])) { child += 1 }
      let other = Int(waiting[child])
      guard isTurn(of: other, before: client) else { break }
      put(other, at: place)
      place = child
    }
    if place != start { put(client, at: place) }
  }

  private mutating func put(_ client: Int, at place: Int) {
    waiting[place] = UInt32(client)
    clients[client].place = place
  }

  private func isTurn(of client: Int, before other: Int) -> Bool {
    if clients[client].isPaused != clients[other].isPaused { return clients[other].isPaused }
    let (mine, its) = (clients[client].headPriority, clients[other].headPriority)
    if mine != its { return mine > its }
    let (load, otherLoad) = (clients[client].counts.leased, clients[other].counts.leased)
    return load == otherLoad ? clients[client].turn < clients[other].turn : load < otherLoad
  }
}
