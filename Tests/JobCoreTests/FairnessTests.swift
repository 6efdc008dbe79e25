import TestSupport
import Testing
import Time

@testable import JobCore

@Suite("Clients share the leases") struct FairnessTests {
  @Test("a client with a thousand jobs does not keep another waiting")
  func aCrowdDoesNotBlock() {
    var story = Story { $0.keepOrder = false }
    let (greedy, modest) = (story.join(0), story.join(1))
    let many = story.accept(1000, from: greedy)
    #expect(story.grant(2) == [many[0], many[1]])
    let few = story.accept(2, from: modest)
    #expect(story.grant(3) == [few[0], few[1], many[2]])
  }

  @Test("with one worker the clients go in turn")
  func inTurn() {
    var story = Story { $0.keepOrder = false }
    let clients = (0..<3).map { story.join($0) }
    let jobs = clients.map { story.accept(3, from: $0) }
    for round in 0..<3 {
      for client in 0..<3 {
        #expect(story.grant() == [jobs[client][round]])
        _ = story.tell(.replied(jobs[client][round], resultBytes: 0))
      }
    }
  }

  @Test("who was served longest ago is next, also after having wanted nothing for a while")
  func leastRecentlyServed() {
    var story = Story { $0.keepOrder = false }
    let clients = (0..<3).map { story.join($0) }
    for client in [0, 1, 2, 1] {
      let job = story.accept(from: clients[client])[0]
      #expect(story.grant() == [job])
      _ = story.tell(.replied(job, resultBytes: 0))
    }
    let jobs = [1, 2, 0].map { story.accept(from: clients[$0])[0] }
    #expect(story.grant(3) == [jobs[2], jobs[1], jobs[0]])
  }

  @Test("who leaves and comes again stands behind those who stayed")
  func noGainByComingAgain() {
    var story = Story { $0.keepOrder = false }
    let (faithful, restless) = (story.join(0), story.join(1))
    _ = story.tell(.clientLeft(restless))
    let again = ClientID(index: 1, generation: 2)
    _ = story.tell(.clientJoined(again))
    let late = story.accept(from: again)
    let early = story.accept(from: faithful)
    #expect(story.grant(2) == early + late)
  }

  @Test("a higher priority goes first, whatever its client has already")
  func priorityBeforeFairness() {
    var story = Story { $0.keepOrder = false }
    let (first, second) = (story.join(0), story.join(1))
    let usual = story.accept(2, from: second)
    let urgent = story.accept(3, from: first, priority: 5)
    #expect(story.grant(4) == urgent + [usual[0]])
  }

  @Test(
    "the end of a job makes its client's next one due, and a job that came back goes before the others of its client")
  func loadFalls() {
    var story = Story {
      $0.keepOrder = false
      $0.retries = 1
    }
    let (first, second) = (story.join(0), story.join(1))
    let mine = story.accept(4, from: first)
    let its = story.accept(4, from: second)
    #expect(story.grant(4) == [mine[0], its[0], mine[1], its[1]])
    _ = story.tell(.attemptFailed(its[0], .failed))
    #expect(story.grant(2) == [its[0], mine[2]])
    _ = story.tell(.replied(its[1], resultBytes: 0))
    _ = story.tell(.replied(its[0], resultBytes: 0))
    #expect(story.grant(2) == [its[2], its[3]])
  }

  @Test("refusals go round like leases")
  func refusalsGoRound() {
    var story = Story { $0.keepOrder = false }
    let clients = [story.join(0), story.join(1)]
    let jobs = clients.map { story.accept(2, from: $0) }
    #expect(story.tell(.workersUnavailable).first == .settled(jobs[0][0], .failed))
    #expect(story.tell(.workersUnavailable).first == .settled(jobs[1][0], .failed))
  }

  @Test("ten thousand ascending priorities of one client leave in their order, and no step takes long")
  func ascendingPriorities() {
    var story = Story {
      $0.keepOrder = false
      $0.queueLimit = 20_000
    }
    let jobs = (0..<10_000).flatMap { story.accept(from: .sole, priority: Int32($0)) }
    #expect(story.grant(5_000) == jobs.suffix(5_000).reversed())
    for job in jobs.prefix(5_000) where job.index % 3 != 0 { _ = story.tell(.cancel(job)) }
    #expect(story.grant(2_000) == jobs.prefix(5_000).filter { $0.index % 3 == 0 }.reversed())
  }

  @Test("each of ten thousand clients is served once before any is served twice")
  func manyClients() {
    var story = Story {
      $0.keepOrder = false
      $0.queueLimit = 20_000
    }
    let clients = (0..<10_000).map { story.join($0) }
    for client in clients { _ = story.accept(2, from: client) }
    _ = story.grant(10_000)
    #expect(clients.allSatisfy { story.ledger.counts(of: $0) == ClientCounts(queued: 1, leased: 1) })
  }
}
