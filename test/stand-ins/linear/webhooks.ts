import { createHmac, randomUUID } from 'node:crypto';
import {
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';
import type { Clock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { Tables } from './rows.ts';
import { linearSchema } from './schema.ts';

/** A webhook request as it is sent. */
export interface LinearDelivery {
  headers: Record<string, string>;
  body: Buffer;
  /** What the body says. */
  payload: Record<string, unknown>;
}

export interface Outbox {
  /** Everything that was told, oldest first, whether or not anybody listens. */
  readonly told: LinearDelivery[];
  /** Where deliveries go to. */
  readonly urls: string[];
  secret: string;
  /** How many requests were sent, and how many answered 200. */
  readonly counts: { attempts: number; taken: number };
  /** Signs a payload that fits its type in the schema, and sends it. */
  tell(type: string, payload: Record<string, unknown>): LinearDelivery;
  /** Signs anything. */
  sign(event: string, payload: Record<string, unknown>): LinearDelivery;
}

const minute = 60_000;
const retryAfterMs = [minute, 60 * minute, 360 * minute];
const answerWithinMs = 5_000;

export function createOutbox(clock: Clock, faults: Faults, secret: string): Outbox {
  const webhookId = randomUUID();

  function sign(event: string, payload: Record<string, unknown>): LinearDelivery {
    const whole = { ...payload, webhookTimestamp: clock.now(), webhookId };
    const body = Buffer.from(JSON.stringify(whole));
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'Linear-Webhook',
      'linear-delivery': randomUUID(),
      'linear-event': event,
      'linear-signature': createHmac('sha256', outbox.secret).update(body).digest('hex'),
      'linear-timestamp': String(clock.now()),
    };
    return { headers, body, payload: whole };
  }

  async function post(delivery: LinearDelivery, url: string, attempt: number): Promise<void> {
    outbox.counts.attempts += 1;
    const taken = await fetch(url, {
      method: 'POST',
      headers: delivery.headers,
      body: new Uint8Array(delivery.body),
      signal: AbortSignal.timeout(answerWithinMs),
    }).then(
      async (answer) => {
        await answer.arrayBuffer();
        return answer.status === 200;
      },
      () => false,
    );
    if (taken) outbox.counts.taken += 1;
    const wait = retryAfterMs[attempt];
    if (!taken && wait !== undefined) clock.at(clock.now() + wait, () => void post(delivery, url, attempt + 1));
  }

  const outbox: Outbox = {
    told: [],
    urls: [],
    secret,
    counts: { attempts: 0, taken: 0 },
    sign,
    tell(type, payload) {
      const schemaType = `${type}WebhookPayload`;
      const delivery = sign(String(payload.type), payload);
      checkPayload(schemaType, delivery.payload);
      outbox.told.push(delivery);
      const actions = faults.ofDelivery(String(payload.type));
      if (actions.some((action) => action.type === 'drop')) return delivery;
      const late = actions.reduce((sum, action) => sum + (action.type === 'late' ? action.ms : 0), 0);
      const times = 1 + actions.reduce((sum, action) => sum + (action.type === 'repeat' ? action.times : 0), 0);
      for (const url of outbox.urls)
        for (let sent = 0; sent < times; sent++) clock.at(clock.now() + late, () => void post(delivery, url, 0));
      return delivery;
    },
  };
  return outbox;
}

/** Throws where a payload is not what the vendor's types say it is. */
export function checkPayload(typeName: string, payload: unknown): void {
  const type = linearSchema().getType(typeName);
  const problems = problemsOf(type, payload, typeName);
  if (problems.length > 0) throw new Error(`The stand-in's webhook is not Linear's: ${problems.join('; ')}`);
}

function problemsOf(type: unknown, value: unknown, path: string): string[] {
  if (isNonNullType(type))
    return value === null || value === undefined ? [`${path} is missing`] : problemsOf(type.ofType, value, path);
  if (value === null || value === undefined) return [];
  if (isListType(type)) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((item, index) => problemsOf(type.ofType, item, `${path}.${index}`));
  }
  if (isUnionType(type)) {
    const tried = type.getTypes().map((member) => problemsOf(member, value, path));
    return tried.some((problems) => problems.length === 0)
      ? []
      : (tried.toSorted((a, b) => a.length - b.length)[0] ?? []);
  }
  if (isObjectType(type)) return objectProblems(type, value, path);
  if (isEnumType(type)) return type.getValue(String(value)) ? [] : [`${path} is no ${type.name}`];
  const name = String(type);
  const expected: Record<string, string> = { String: 'string', ID: 'string', Float: 'number', Int: 'number' };
  Object.assign(expected, { Boolean: 'boolean', DateTime: 'string', JSONObject: 'object' });
  const kind = expected[name] ?? 'string';
  if (typeof value !== kind) return [`${path} is no ${name}`];
  const only = /^(Issue\w+)NotificationType$/.exec(name)?.[1];
  if (only !== undefined && String(value).toLowerCase() !== only.toLowerCase()) return [`${path} is no ${name}`];
  return name === 'DateTime' && Number.isNaN(Date.parse(String(value))) ? [`${path} is no date`] : [];
}

function objectProblems(type: GraphQLObjectType, value: unknown, path: string): string[] {
  if (typeof value !== 'object') return [`${path} is no object`];
  const fields = type.getFields();
  return [
    ...Object.keys(value as object)
      .filter((key) => !(key in fields))
      .map((key) => `${path}.${key} is unknown`),
    ...Object.values(fields).flatMap((field) =>
      problemsOf(field.type, (value as Record<string, unknown>)[field.name], `${path}.${field.name}`),
    ),
  ];
}

/** What a type of payload has of a row: its fields by name, and rows that it refers to. */
export function payloadOf(typeName: string, row: object, tables: Tables): Record<string, unknown> {
  const type = linearSchema().getType(typeName) as GraphQLObjectType;
  const source = row as Record<string, unknown>;
  const payload: Record<string, unknown> = {};
  for (const { name, type: fieldType } of Object.values(type.getFields())) {
    const inner = getNamedType(fieldType);
    const table = tableOf(inner.name, tables);
    const own = source[name];
    const related = own ?? table?.get(String(source[`${name}Id`]));
    const value = !table
      ? own
      : Array.isArray(related)
        ? related.map((each) => payloadOf(inner.name, each, tables))
        : related && payloadOf(inner.name, related, tables);
    if (value !== undefined && value !== null) payload[name] = value;
  }
  return payload;
}

/** "UserChildWebhookPayload" is about a user. */
function tableOf(typeName: string, tables: Tables): Map<string, object> | undefined {
  const kind = /^(\w+?)(WithDescription|WithParent)?(Child)?WebhookPayload$/.exec(typeName)?.[1] ?? '';
  return (tables as Record<string, Map<string, object>>)[kind];
}
