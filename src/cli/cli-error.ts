/** Something that a person did, or has to do: shown without a stack trace. */
export class CliError extends Error {}
