"""An agent that asks a Meshwork hub for permission. Standard library only."""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request

REVISION = "2026-07-28"
META = "io.modelcontextprotocol/"


def call_tool(server, key, name, arguments):
    """Calls a tool: one POST whose headers repeat the method and the name, as the revision asks."""
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": name,
            "arguments": arguments,
            "_meta": {
                META + "protocolVersion": REVISION,
                META + "clientInfo": {"name": "python-agent", "version": "1.0.0"},
                META + "clientCapabilities": {},
            },
        },
    }
    request = urllib.request.Request(
        server,
        data=json.dumps(message).encode(),
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Authorization": "Bearer " + key,
            "MCP-Protocol-Version": REVISION,
            "Mcp-Method": "tools/call",
            "Mcp-Name": name,
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        reply = json.load(response)
    if "error" in reply:
        raise RuntimeError(reply["error"]["message"])
    result = reply["result"]
    if result.get("isError"):
        raise RuntimeError(result["structuredContent"]["message"])
    return result["structuredContent"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    ask = commands.add_parser("request-permission")
    ask.add_argument("--agent", required=True)
    ask.add_argument("--resource", required=True)
    ask.add_argument("--justification", required=True)
    options = parser.parse_args()
    server = os.environ.get("MESHWORK_SERVER", "http://127.0.0.1:3001/mcp")
    arguments = {"agent_id": options.agent, "resource_type": options.resource, "justification": options.justification}
    try:
        answer = call_tool(server, os.environ.get("MESHWORK_KEY", ""), "request_permission", arguments)
    except urllib.error.HTTPError as error:
        print("refused:", json.load(error)["error"]["message"], file=sys.stderr)
        return 1
    except urllib.error.URLError as error:
        print("no hub answers:", error.reason, file=sys.stderr)
        return 3
    except RuntimeError as error:
        print("refused:", error, file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0 if answer["granted"] else 1


if __name__ == "__main__":
    sys.exit(main())
