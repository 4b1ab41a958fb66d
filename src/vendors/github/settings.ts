/** GitHub as it is to be spoken to; what is not set is null. */
export interface GitHubSettings {
  /** The agent's name there, as people mention it: the App's slug, or the login of the token's user. */
  agent: string;
  /** Of pull requests. */
  labels: string[];
  /** Without a slash at its end. */
  apiUrl: string;
  /** Of the App, with `privateKey`; null: a token is used. */
  appId: string | null;
  /** PEM. */
  privateKey: string | null;
  token: string | null;
  /** The one in use; during a rotation the other one, too. None: no webhook is accepted. */
  webhookSecrets: string[];
  /** How often GitHub is asked; null: webhooks tell. */
  pollSeconds: number | null;
}
