import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { speakBothRevisions } from './both-revisions.ts';

/**
 * Serves one client over stdin and stdout, in the revisions of the protocol up to 2026-07-28, until it hangs up or a signal comes. stdout is the protocol: whatever has
 * something to say to people says it on stderr. When stdin ends, requests under way are still answered.
 */
export async function serveStdio(server: McpServer): Promise<void> {
  const stop = async () => {
    await server.close(); // aborts the requests under way, and with them the processes they started
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.on('error', stop); // the client is gone
  server.server.onerror = (error) => console.error(`shipmate: ${error.message}`);
  await server.connect(speakBothRevisions(new StdioServerTransport()));
}
