import { BadGatewayException } from '@nestjs/common';

/**
 * Lets a handler of the suite answer, with Node's own request and response. Resolves when it has ended its response, and
 * rejects where the suite's origin would have closed the connection to the cache. Here that connection is the handler's
 * call, and the client's must stay open, since the client may still get a stale response.
 */
export function answerAs(handle, request, response) {
  return new Promise((resolve, reject) => {
    const answer = watched(response, {
      ended: resolve,
      closed: (names) => {
        for (const name of names) response.removeHeader(name);
        response.statusMessage = undefined;
        reject(new BadGatewayException('the origin closed the connection'));
      },
    });
    const [, ...path] = new URL(request.url, 'http://origin').pathname.split('/').slice(1);
    handle(path, request, answer);
  });
}

/** The response, but for a socket of its own. What was wrapped round its methods by others, before or later, is called. */
function watched(response, { ended, closed }) {
  const names = new Set();
  const own = {
    socket: { destroy: () => closed(names) },
    setHeader(name, value) {
      names.add(name);
      return response.setHeader(name, value);
    },
    end(...args) {
      response.end(...args);
      ended();
      return response;
    },
  };
  return new Proxy(response, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name];
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set(target, name, value) {
      target[name] = value;
      return true;
    },
  });
}
