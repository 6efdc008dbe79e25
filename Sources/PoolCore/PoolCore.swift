// PoolCore
