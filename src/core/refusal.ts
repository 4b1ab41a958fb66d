/** What a person asked for cannot be done as things are. The message says why, and what to do. */
export class Refusal extends Error {}
