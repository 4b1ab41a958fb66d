import pino from 'pino';
import pretty from 'pino-pretty';
import { createRedactor } from './redact.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** What every line about a session carries, always by these names. */
export interface LogFields {
  session_id?: string;
  run_id?: string;
  ticket?: string;
  [field: string]: unknown;
}

interface LogMethod {
  (message: string): void;
  (fields: object, message: string): void;
}

/** Errors go in as `{ err }`. */
export interface Log {
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  child(fields: LogFields): Log;
}

export interface LogOptions {
  level: LogLevel;
  /** `auto`: readable on a terminal, JSON elsewhere. */
  format: 'auto' | 'json' | 'pretty';
  /** stderr unless given. */
  destination?: NodeJS.WritableStream & { isTTY?: boolean };
  /** Values that no line may show, however they got into it. */
  secrets: readonly string[];
}

/** Lines are written before the call returns, so that a crash loses none. */
export function createLog(options: LogOptions): Log {
  const { redact } = createRedactor(options.secrets);
  const logger = pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: hideInFields,
      },
      hooks: { streamWrite: (line) => redact(hideInText(line)) },
    },
    openStream(options),
  );
  const { child } = logger;
  // pino's formatters do not see a child's fields. Children inherit this, so `this` is whichever is asked.
  return Object.assign(logger, {
    child(this: pino.Logger, fields: LogFields) {
      return child.call(this, hideInFields(fields));
    },
  });
}

function openStream(options: LogOptions): pino.DestinationStream {
  const target = options.destination ?? process.stderr;
  const terminal = target.isTTY === true;
  const readable = options.format === 'pretty' || (options.format === 'auto' && terminal);
  const raw = options.destination ?? pino.destination({ fd: 2, sync: true });
  if (!readable) return raw;
  return pretty({ destination: raw, colorize: terminal, ignore: 'pid', translateTime: 'SYS:HH:MM:ss.l', sync: true });
}

const secretName =
  /^(authorization|proxy-authorization|cookie|set-cookie|password|passwd|secret|credentials?|x-api-key)$|(api[-_]?key|[a-z]token|_token|-token|^token|[-_]?secret|private[-_]?key|password)$/i;

/** pino cuts at five levels itself; a walk of our own, because its `redact` wants every path spelt out. */
const deepest = 6;

function hideInFields(fields: object): Record<string, unknown> {
  return hideNamed(fields) as Record<string, unknown>;
}

function hideNamed(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > deepest) return '[deeper]';
  if (value instanceof Error) return hideNamed({ ...pino.stdSerializers.err(value) }, depth);
  if (Array.isArray(value)) return value.map((item) => hideNamed(item, depth + 1));
  if ('toJSON' in value && typeof value.toJSON === 'function') return hideNamed(value.toJSON(), depth + 1);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const hidden = secretName.test(name) && item !== null && item !== undefined && typeof item !== 'number';
      return [name, hidden ? '[redacted]' : hideNamed(item, depth + 1)];
    }),
  );
}

function hideInText(line: string): string {
  return line
    .replace(/\b(bearer|basic)(\s+)[\w.~+/=-]{8,}/gi, '$1$2[redacted]')
    .replace(/\bshp_[\w-]{43}/g, '[redacted]')
    .replace(/(:\/\/[^\s:/@"]{0,100}):[^\s/@"]{1,200}@/g, '$1:[redacted]@');
}
