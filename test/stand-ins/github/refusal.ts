/** What one of the errors of a 422 says. */
export interface FieldError {
  resource: string;
  code: string;
  field?: string;
  message?: string;
}

/** The real one's no, with its words; thrown by whoever answers. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, more: { errors?: unknown[]; headers?: Record<string, string> } = {}) {
    super(message);
    this.status = status;
    this.headers = more.headers ?? {};
    this.body = {
      message,
      ...(more.errors ? { errors: more.errors } : {}),
      documentation_url: 'https://docs.github.com/rest',
      status: String(status),
    };
  }
}

export const notFound = () => new Refusal(404, 'Not Found');
export const badCredentials = () => new Refusal(401, 'Bad credentials');
export const invalid = (...errors: FieldError[]) => new Refusal(422, 'Validation Failed', { errors });
