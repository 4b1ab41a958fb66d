/** A person's own key goes as it is, every other token with "Bearer" before it. */
export function authorizationOf(token: string): string {
  return isPersonal(token) ? token : `Bearer ${token}`;
}

/** The same, as the SDK takes it. */
export function authorizedBy(token: string): { apiKey: string } | { accessToken: string } {
  return isPersonal(token) ? { apiKey: token } : { accessToken: token };
}

function isPersonal(token: string): boolean {
  return token.startsWith('lin_api_');
}
