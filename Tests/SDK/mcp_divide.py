"""An MCP server made with the SDK from PyPI, of whichever version."""
import sys

import anyio

try:
    from mcp.server.mcpserver import Context, MCPServer
except ImportError:
    from mcp.server.fastmcp import Context, FastMCP as MCPServer

server = MCPServer("divide")


@server.tool()
async def divide(a: float, b: float, context: Context) -> float:
    """Divides one number by another.

    Reports progress on the way."""
    await context.report_progress(1, 2)
    return a / b


@server.tool()
async def wait(seconds: float) -> str:
    """Waits."""
    try:
        await anyio.sleep(seconds)
    except BaseException:
        print("was cancelled", file=sys.stderr, flush=True)
        raise
    return f"waited {seconds}"


server.run()
