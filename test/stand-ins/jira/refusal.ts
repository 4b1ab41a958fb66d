/** The real one's no, with its words; thrown by whoever answers. */
export class Refusal extends Error {
  readonly status: number;
  /** JSON, or text as it is. */
  readonly body: unknown;
  readonly headers: Record<string, string>;

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** Jira's collection of errors: of the whole, and by field. */
export const refuse = (status: number, message: string | null, errors: Record<string, string> = {}): Refusal =>
  new Refusal(status, { errorMessages: message === null ? [] : [message], errors });
export const invalid = (errors: Record<string, string>): Refusal => refuse(400, null, errors);
export const bad = (message: string): Refusal => refuse(400, message);
export const forbidden = (message: string): Refusal => refuse(403, message);
export const missing = (message: string): Refusal => refuse(404, message);
export const noIssue = (): Refusal => missing('Issue does not exist or you do not have permission to see it.');
