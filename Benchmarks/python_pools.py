#!/usr/bin/env python3
"""Acquires and releases in a loop, and prints the nanoseconds per pair as one line of JSON, as pool-bench does.

    Benchmarks/python_pools.py KIND USERS PAIRS

KIND is queue, psycopg_pool or sqlalchemy; USERS are threads. No server is needed: what psycopg_pool and SQLAlchemy hand
out are objects that look like idle connections.

Exit status: 0; 1 when an object was with two at once; 3 when that pool is not installed.
"""
import json
import queue
import sys
import threading
import time

SIZE = 8
NOT_INSTALLED = 3


class Thing:
    uses = 0


def queue_pool():
    free = queue.LifoQueue()
    for _ in range(SIZE):
        free.put(Thing())
    return free.get, free.put, lambda thing: thing


def psycopg_pool():
    import psycopg.pq
    from psycopg_pool import ConnectionPool

    # The pool asks a connection for no more than this as long as nothing is sent.
    class Connection(Thing):
        class pgconn:
            transaction_status = psycopg.pq.TransactionStatus.IDLE

        @classmethod
        def connect(cls, *_, **__):
            return cls()

        def close(self):
            pass

    pool = ConnectionPool(connection_class=Connection, min_size=SIZE, max_size=SIZE, open=False)
    pool.open(wait=True)
    return pool.getconn, pool.putconn, lambda connection: connection


def sqlalchemy():
    from sqlalchemy.pool import QueuePool

    class Connection(Thing):
        def rollback(self):
            pass

        def close(self):
            pass

    pool = QueuePool(Connection, pool_size=SIZE, max_overflow=0)
    return pool.connect, lambda connection: connection.close(), lambda connection: connection.dbapi_connection


POOLS = {"queue": queue_pool, "psycopg_pool": psycopg_pool, "sqlalchemy": sqlalchemy}


def main():
    kind, users, pairs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        acquire, release, thing_of = POOLS[kind]()
    except ImportError as missing:
        print(missing, file=sys.stderr)
        return NOT_INSTALLED
    share, things, line = pairs // users, {}, threading.Barrier(users + 1)

    def use():
        line.wait()
        for _ in range(share):
            held = acquire()
            thing = thing_of(held)
            thing.uses += 1
            things[id(thing)] = thing
            release(held)

    threads = [threading.Thread(target=use) for _ in range(users)]
    for thread in threads:
        thread.start()
    start = time.perf_counter()
    line.wait()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if sum(thing.uses for thing in things.values()) != share * users:
        print("an object was with two at once", file=sys.stderr)
        return 1
    print(json.dumps({"ns": seconds * 1e9 / (share * users), "pairs": share * users}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
