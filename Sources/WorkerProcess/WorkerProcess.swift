// WorkerProcess
