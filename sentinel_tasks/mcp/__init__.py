"""A server of the Model Context Protocol: each tool runs the program `sentinel` and answers with its document.

It keeps no state but the rest of long answers. Contract: MCP.
"""
