# SQLite's own shell, unchanged (`--repl sqlite3`), over a database in memory.
#
# What is expensive to start is the database: 20 000 rows are read from a file of SQL. A warm worker reads them once.
# A job is any SQL; one that fails has the message of sqlite3, and its worker lives on.
#
#     echo 'select count(*) from words;' | prefork run --repl sqlite3 -- sqlite3 -batch -init words.sql :memory:
title='sqlite3, 20 000 rows loaded into memory'
apt='sqlite3'

prepare() {
  {
    echo 'create table words (id integer primary key, word text); begin;'
    seq -f "insert into words (word) values (printf('%%x', %.0f * 7919));" 20000
    echo 'commit;'
  } >words.sql
}

jobs() {
  local number
  for ((number = 1; number <= count; number++)); do
    echo "select $number, count(*), max(word) from words where word like '%' || printf('%x', $number) || '%';"
  done
}

cold() { sqlite3 -batch -init words.sql :memory: "$1" 2>/dev/null; }

warm() { "$prefork" run -q -w 1 --repl sqlite3 -- sqlite3 -batch -init words.sql :memory:; }
