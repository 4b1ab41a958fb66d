import type { JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { type Refusal, refusalOf } from '../../mcp-servers/both-revisions.ts';

/**
 * Why a request that names its revision is refused before anybody looks at what it asks for; null: it is not. Its headers repeat
 * revision, method and name, so that what stands between can tell requests apart; headers that say otherwise are a mistake or a
 * trick (modelcontextprotocol.io/specification/2026-07-28, streamable HTTP).
 */
export function refuseHeaders(
  request: JSONRPCRequest,
  header: (name: string) => string | undefined,
): { status: number; error: Refusal } | null {
  const { method, params = {} } = request;
  const said = {
    'MCP-Protocol-Version': params._meta?.['io.modelcontextprotocol/protocolVersion'],
    'Mcp-Method': method,
    ...(['tools/call', 'prompts/get'].includes(method) ? { 'Mcp-Name': params.name } : {}),
  };
  for (const [name, value] of Object.entries(said)) {
    if (decode(header(name)) === value) continue;
    const error = { code: -32_020, message: `The header ${name} does not say what the message does.` };
    return { status: 400, error };
  }
  const error = refusalOf(request);
  return error === null ? null : { status: error.code === -32_601 ? 404 : 400, error };
}

/** Names that are not plain ASCII come as `=?base64?...?=`. */
function decode(value: string | undefined): string | undefined {
  const [, encoded] = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(value?.trim() ?? '') ?? [];
  return encoded === undefined ? value?.trim() : Buffer.from(encoded, 'base64').toString();
}
