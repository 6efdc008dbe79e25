// What a program needs to configure a pool, and to read its errors, comes with `import WorkerPool`.
@_exported import enum JobCore.Outcome
@_exported import WorkerPoolDriver
