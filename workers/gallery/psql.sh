# PostgreSQL's own client, unchanged (`--repl psql`), with a server that is made for it and gone afterwards.
#
# Each start of psql is a connection, for which the server starts a process, which fills its caches of the catalogue. A
# warm worker keeps its connection. A job is any SQL, or a backslash command; one that fails has the server's message,
# and its worker lives on.
#
#     echo "select now()" | prefork run --repl psql -- psql -X -q -A -t
title='psql, a query over a connection'
apt='postgresql'
around='Tests/EndToEndTests/with_postgres.sh'
count=500

jobs() {
  local number
  for ((number = 1; number <= count; number++)); do
    echo "select $number, count(*), max(relname) from pg_class where oid::int % 50 = $number % 50"
  done
}

cold() { psql -X -q -A -t -c "$1"; }

warm() { "$prefork" run -q -w 1 --repl psql -- psql -X -q -A -t; }
