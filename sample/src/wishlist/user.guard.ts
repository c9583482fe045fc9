import { type CanActivate, type ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common';

export interface User {
  name: string;
}

/** Takes `Authorization: Bearer ada` for Ada. A real one would check that. */
@Injectable()
export class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: { authorization?: string }; user?: User }>();
    const name = /^Bearer (\w{1,40})$/.exec(request.headers.authorization ?? '')?.[1];
    if (name === undefined) throw new UnauthorizedException('say who you are: Authorization: Bearer <name>');
    request.user = { name };
    return true;
  }
}
