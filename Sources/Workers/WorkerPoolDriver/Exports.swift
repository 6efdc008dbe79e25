// What a program needs that uses the pool comes with `import WorkerPoolDriver`: the loop, the policies, the command, the
// protocols.
@_exported import EventLoop
@_exported import struct LinuxIO.SystemError
@_exported import PoolCore
@_exported import WireFormats
@_exported import WorkerProtocols
@_exported import WorkerProcess
