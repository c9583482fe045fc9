/** What is printed once the app listens. */
export function whatToTry(url: string, redisUrl: string | undefined): string {
  const tiers = redisUrl === undefined ? 'memory' : 'memory, then Redis';
  return `
The catalogue listens on ${url} and caches in ${tiers}. Try, in another terminal:

  curl -i ${url}/products/1             # slow; x-took-ms tells how slow. Then again: a hit
  curl ${url}/products/1/reviews
  curl ${url}/products/1/reviews -H 'content-type: application/json' \\
       -d '{"author":"Ada","rating":5,"text":"Sturdy."}'
  curl ${url}/products/1/reviews        # the new review is there at once
  curl -i ${url}/shop                   # a page, as a whole: twice, and cache-status says so
  curl -i ${url}/wishlist -H 'authorization: Bearer ada'
  curl ${url}/cache/stats

Queries to the database appear below. Ctrl-C stops the app.
`;
}
