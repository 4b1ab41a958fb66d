/** What the world answers instead of doing as it was asked. */
export class Refusal extends Error {
  readonly status: number;
  /** In our words, where the status does not say enough. */
  readonly code: string | null;

  constructor(status: number, message: string, code: string | null = null) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
  }
}
