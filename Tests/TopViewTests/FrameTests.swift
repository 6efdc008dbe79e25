import ControlProtocol
import Testing
import TopView

/// Whole screens, as an operator sees them.
@Suite struct FrameTests {
  @Test("an ordinary terminal shows all of a small pool")
  func ordinaryTerminal() {
    var view = sampleView()
    view.take([samplePool()], at: 0)
    print(screen(view))
    view.resize(columns: 40, rows: 10)
    print(screen(view))
    view.resize(columns: 200, rows: 30)
    print(screen(view))
  }
}
