# A server of the Model Context Protocol, unchanged (`--protocol mcp --tool NAME`): mcp-server-time from PyPI.
#
# Such a server takes a second to start, and is started by most clients for each session. A job is the arguments of a
# call of the tool, as JSON; the answer is the content of its result.
#
#     echo '{"source_timezone": "Europe/Berlin", "time": "12:30", "target_timezone": "Asia/Tokyo"}' |
#       prefork run --protocol mcp --tool convert_time -- python3 -m mcp_server_time
title='an MCP server, a call of a tool'
apt='python3'
pip='mcp-server-time'
option='--tool'
sample=5

jobs() {
  local number
  for ((number = 0; number < count; number++)); do
    printf '{"source_timezone": "Europe/Berlin", "time": "%02d:%02d", "target_timezone": "Asia/Tokyo"}\n' \
      $((number / 60)) $((number % 60))
  done
}

warm() {
  "$prefork" run -q -w 1 --protocol mcp --tool convert_time --output nul -- python3 -m mcp_server_time | one_line_each
}

# A client is needed, and prefork is one: it starts the server, for one job.
cold() { warm <<<"$1"; }

one_line_each() { tr '\n\0' ' \n'; }
