/** A scheme and an authority, before a path. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/**
 * Whom a `Host` or an origin names: in lower case, without the ports that schemes stand for, and without the dot that ends a name.
 */
export function authorityOf(hostOrOrigin: string): string {
  return hostOrOrigin
    .toLowerCase()
    .replace(/^[a-z][a-z\d+.-]*:\/\//, '')
    .replace(/:(80|443)?$/, '')
    .replace(/\.(?=:|$)/, '');
}

/**
 * The path that a request's target names, in whatever form: with a query (for some after `;`), a fragment, or as a whole address. Where routers differ, it
 * is what the most lenient one reads, so that it may stand for several resources: keys must not be made of it.
 */
export function pathOf(target: string): string {
  const [path = ''] = target.trim().replaceAll('\\', '/').replace(ORIGIN, '').split(/[?#;]/, 1);
  return path.startsWith('/') ? path : `/${path}`;
}
