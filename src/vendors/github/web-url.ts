/** Where people look, by where the API is: github.com, a data residency's subdomain of ghe.com, an Enterprise Server. */
export function webUrlOf(apiUrl: string): string {
  const url = new URL(apiUrl);
  if (url.hostname === 'api.github.com') return 'https://github.com';
  if (/^api\.[\w-]+\.ghe\.com$/.test(url.hostname)) return `https://${url.hostname.slice('api.'.length)}`;
  return `${url.origin}${url.pathname.replace(/\/api\/v3\/?$|\/$/, '')}`;
}
