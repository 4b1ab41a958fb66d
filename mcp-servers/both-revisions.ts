import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, JSONRPCRequest, MessageExtraInfo, RequestId } from '@modelcontextprotocol/sdk/types.js';

/** The revision that is spoken beside those of the SDK, and the newest of the SDK. */
export const newerRevision = '2026-07-28';
const ownRevision = '2025-11-25';

/** What the newer revision has of requests; `initialize`, `ping` and others are gone. */
const methods = ['server/discover', 'tools/list', 'tools/call', 'prompts/list', 'prompts/get'];
const listing = ['server/discover', 'tools/list', 'prompts/list'];

const meta = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  server: 'io.modelcontextprotocol/serverInfo',
};

export interface Refusal {
  code: number;
  message: string;
  data?: unknown;
}

type Fields = Record<string, unknown>;

/** Whether a message says by itself in which revision it is, as requests do since 2026-07-28. */
export function namesRevision(message: unknown): message is JSONRPCRequest {
  return isFields(message) && 'id' in message && 'method' in message && meta.version in metaOf(message);
}

/** Why a request that names its revision is not served; null: it is. */
export function refusalOf(request: JSONRPCRequest): Refusal | null {
  const { [meta.version]: requested, [meta.capabilities]: capabilities, [meta.client]: client } = metaOf(request);
  if (requested !== newerRevision) {
    const data = { supported: [newerRevision], requested: String(requested) };
    return { code: -32_022, message: `Revision ${data.requested} is not spoken here; ${newerRevision} is.`, data };
  }
  if (!isFields(capabilities)) return { code: -32_602, message: `_meta lacks "${meta.capabilities}".` };
  if (client !== undefined && !(isFields(client) && isText(client.name) && isText(client.version)))
    return { code: -32_602, message: `"${meta.client}" in _meta has no name or no version.` };
  if (!methods.includes(request.method)) return { code: -32_601, message: `There is no "${request.method}" here.` };
  return null;
}

/**
 * Lets a server of the 1.x SDK, whose newest revision is 2025-11-25, be spoken to in 2026-07-28 too, where each request says who
 * asks and in which revision (modelcontextprotocol.io/specification/2026-07-28). Such a request reaches the server as one of its
 * own revision after an introduction that we make up, and its result goes back as the newer one wants it. Where the server asks
 * its client meanwhile where people work (`roots/list`), that becomes an `input_required` result: the client calls again with the
 * answer, so the handler must have done nothing by then and must heed its signal. All else passes as it is.
 */
export function speakBothRevisions(wire: Transport): Transport {
  const introduction = 'introduction of the client';
  /** Requests of the newer revision that are under way, by the ids that the server knows them by. */
  const asked = new Map<RequestId, JSONRPCRequest>();
  let introduced: Promise<Fields> | null = null;
  let finish: (introduction: Fields) => void = () => {};
  let server: unknown;

  const own: Transport = {
    async start() {
      wire.onmessage = receive;
      wire.onclose = () => own.onclose?.();
      wire.onerror = (error) => own.onerror?.(error);
      await wire.start();
    },
    close: () => wire.close(),
    async send(message, options) {
      if ('method' in message) {
        if (introduced !== null && 'id' in message) return askClient(message);
        return wire.send(message, options);
      }
      const { id } = message;
      if (id === introduction) return finish('result' in message ? message.result : {});
      const request = id === undefined ? undefined : asked.get(id);
      if (id === undefined || request === undefined) return wire.send(message, options);
      asked.delete(id);
      return 'result' in message ? answer(request, message.result) : wire.send({ ...message, id: request.id }, options);
    },
  };
  return own;

  function receive(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    if (!namesRevision(message)) {
      // In the order in which they came: what is cancelled has reached the server before.
      if (introduced === null) own.onmessage?.(message, extra);
      else void introduced.then(() => pass(message, extra));
      return;
    }
    const error = refusalOf(message);
    if (error !== null) {
      report(wire.send({ jsonrpc: '2.0', id: message.id, error }));
      return;
    }
    introduced ??= introduce(metaOf(message));
    void introduced.then(({ serverInfo, capabilities }) => {
      server = serverInfo;
      if (message.method === 'server/discover') {
        report(answer(message, { supportedVersions: [newerRevision], capabilities: withoutNews(capabilities) }));
      } else {
        const id = ownId(message.id);
        asked.set(id, message);
        own.onmessage?.({ ...inOwnRevision(message), id }, extra);
      }
    });
  }

  function pass(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    const id =
      'method' in message && message.method === 'notifications/cancelled'
        ? ownId(message.params?.requestId as RequestId)
        : '';
    if (asked.has(id)) cancel(id);
    else own.onmessage?.(message, extra);
  }

  /** What is cancelled is not answered. */
  function cancel(id: RequestId): void {
    asked.delete(id);
    own.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
  }

  function introduce({ [meta.client]: clientInfo, [meta.capabilities]: capabilities }: Fields): Promise<Fields> {
    const params = {
      protocolVersion: ownRevision,
      capabilities: hasRoots(capabilities) ? { roots: {} } : {},
      clientInfo: clientInfo ?? { name: 'unnamed', version: '0' },
    };
    return new Promise((resolve) => {
      finish = resolve;
      own.onmessage?.({ jsonrpc: '2.0', id: introduction, method: 'initialize', params });
    });
  }

  function answer({ id, method }: JSONRPCRequest, result: Fields): Promise<void> {
    const cache = listing.includes(method) ? { ttlMs: 0, cacheScope: 'private' } : {};
    const _meta = { ...(isFields(result._meta) ? result._meta : {}), [meta.server]: server };
    return wire.send({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...cache, ...result, _meta } });
  }

  /** Which of several calls it is asked for nobody says; then it stays without an answer. */
  async function askClient({ id, method, params }: JSONRPCRequest): Promise<void> {
    const [call, ...others] = asked.values();
    const told = call?.params?.inputResponses;
    if (call !== undefined && isFields(told) && isFields(told[method]))
      return own.onmessage?.({ jsonrpc: '2.0', id, result: told[method] });
    const may = call !== undefined && method === 'roots/list' && hasRoots(metaOf(call)[meta.capabilities]);
    if (may && others.length === 0) {
      cancel(ownId(call.id));
      await answer(call, { resultType: 'input_required', inputRequests: { [method]: { method, params } } });
    }
    own.onmessage?.({ jsonrpc: '2.0', id, error: { code: -32_603, message: 'The client is not asked now.' } });
  }

  function report(sent: Promise<void>): void {
    sent.catch((error: Error) => own.onerror?.(error));
  }
}

/** Of another kind than the client's: the SDK cancels no request whose id is 0, and clients begin with that. */
function ownId(id: RequestId): string {
  return `${newerRevision} ${JSON.stringify(id)}`;
}

function hasRoots(capabilities: unknown): boolean {
  return isFields(capabilities) && isFields(capabilities.roots);
}

/** The lists never change while a server runs, so none of them sends news. */
function withoutNews(capabilities: unknown): Fields {
  const offered = Object.keys(isFields(capabilities) ? capabilities : {}).filter((name) =>
    ['tools', 'prompts'].includes(name),
  );
  return Object.fromEntries(offered.map((name) => [name, {}]));
}

function inOwnRevision({ params, ...request }: JSONRPCRequest): JSONRPCRequest {
  const { inputResponses: _told, requestState: _state, ...others } = params ?? {};
  const reserved = Object.values(meta);
  const kept = Object.entries(metaOf({ params })).filter(([key]) => !reserved.includes(key));
  return { ...request, params: { ...others, _meta: Object.fromEntries(kept) } };
}

function metaOf({ params }: { params?: unknown }): Fields {
  return isFields(params) && isFields(params._meta) ? params._meta : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
