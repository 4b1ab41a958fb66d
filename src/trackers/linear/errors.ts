import { VendorError } from '../../core/vendor-error.ts';
import { waitMsOf } from './budget.ts';

/** Linear said no to a request, or nothing. */
export class LinearError extends VendorError {
  /** Of the field that was refused, beginning with its alias; null: the whole request was. */
  readonly path: readonly (string | number)[] | null;
  /** What was answered beside the refusal. Of a mutation that was refused in the middle it is null, though the ones before it hold. */
  readonly data: Record<string, unknown> | null;

  constructor(
    message: string,
    options: ConstructorParameters<typeof VendorError>[1] & Partial<Pick<LinearError, 'path' | 'data'>>,
  ) {
    super(message, options);
    this.path = options.path ?? null;
    this.data = options.data ?? null;
  }
}

/** What the SDK keeps of an answer that is none; see its `LinearError.raw`. */
interface Answer {
  status?: number;
  headers?: Headers;
  errors?: GraphQLError[];
  data?: Record<string, unknown> | null;
}

interface GraphQLError {
  message?: string;
  path?: (string | number)[];
  extensions?: { type?: string; code?: string; userPresentableMessage?: string };
}

type Refused = Pick<VendorError, 'code' | 'retryable'> & { says: string };

/** Any error of a request, in our words. The text that was sent stays out of it: it may hold what people wrote. */
export function readError(error: unknown, now: number, workspace?: string): LinearError {
  const answer = (error as { raw?: { response?: Answer } } | null)?.raw?.response;
  if (answer?.status === undefined) {
    const { name, message, cause } = error as Error;
    const why = name === 'TimeoutError' ? 'no answer within 20 s' : ((cause as Error | undefined)?.message ?? message);
    return new LinearError(`Linear does not answer: ${why}.`, { code: 'unavailable', retryable: true, cause: error });
  }
  const { status, headers = new Headers(), data = null } = answer;
  const errors = Array.isArray(answer.errors) ? answer.errors : [];
  const limited = errors.find((one) => kindOf(one) === 'ratelimited');
  if (limited || status === 429)
    return new LinearError('Linear asks us to wait: we have used up what it allows in an hour.', {
      ...{ code: 'rate_limited', retryable: true, retryAfterMs: waitMsOf(headers, now) },
      ...(workspace !== undefined && { account: workspace }),
      path: limited?.path ?? null,
      data,
    });
  const [first] = errors;
  const { code, retryable, says } = judge(first, status);
  const path = first?.path && first.path.length > 0 ? first.path : null;
  return new LinearError(says, { code, retryable, path, data });
}

/** Linear tells the kind of an error in words and, newer, by a code; some answers have only one of the two. */
function kindOf({ extensions }: GraphQLError): string {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z]/g, '');
  const type = plain(extensions?.type ?? '');
  const code = plain(extensions?.code ?? '');
  return type === '' || type === 'unknown' || type === 'other' ? code || type : type;
}

function judge(error: GraphQLError | undefined, status: number): Refused {
  const kind = error ? kindOf(error) : '';
  const text = error?.extensions?.userPresentableMessage ?? error?.message ?? `HTTP status ${status}`;
  if (status === 401 || kind === 'authenticationerror' || kind === 'unauthenticated')
    return { code: 'unauthorized', retryable: false, says: `Linear does not accept our token: ${text}` };
  // Linear says in words what it refuses. A bare status is of something between us (a proxy, a firewall), or passing.
  if (!error && status !== 413)
    return {
      code: 'unavailable',
      retryable: true,
      says: `Linear does not answer, or something before it does: ${text}`,
    };
  if (isNotFound(error))
    return { code: 'not_found', retryable: false, says: `Linear does not have it, or not for us: ${text}` };
  if (kind === 'forbidden' || kind === 'featurenotaccessible' || status === 403)
    return {
      code: 'invalid',
      retryable: false,
      says: `Linear does not permit it to the app: ${text}. See that the app has access to the team, and the scopes that \`shipmate connect linear\` names.`,
    };
  const passing = ['internalerror', 'internalservererror', 'networkerror', 'locktimeout', 'bootstraperror'];
  if (passing.includes(kind) || status >= 500)
    return { code: 'unavailable', retryable: true, says: `Linear cannot do it at present: ${text}` };
  return { code: 'invalid', retryable: false, says: `Linear refused it: ${text}` };
}

/** It has no kind of its own: the words are all there is. */
function isNotFound(error: GraphQLError | undefined): boolean {
  const words = `${error?.message} ${error?.extensions?.userPresentableMessage}`;
  return /\bnot found\b|\bcould not find\b/i.test(words) || error?.extensions?.code === 'NOT_FOUND';
}
