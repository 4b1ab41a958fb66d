/** One line of `shipmate doctor`. `remedy` says how to get what is missing. */
export interface Check {
  name: string;
  status: 'ok' | 'warning' | 'missing';
  message: string;
  remedy?: string;
}
