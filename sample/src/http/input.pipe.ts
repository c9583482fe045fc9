import { BadRequestException, type PipeTransform } from '@nestjs/common';

/** What is wrong with an input, in full: every problem, not only the first. */
export class InputError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/** Turns an input into what a handler works with; an InputError becomes a 400 that lists the problems. */
export class Input<T> implements PipeTransform<unknown, T> {
  constructor(private readonly parse: (value: unknown) => T) {}

  transform(value: unknown): T {
    try {
      return this.parse(value);
    } catch (error) {
      if (error instanceof InputError) throw new BadRequestException(error.problems, { cause: error });
      throw error;
    }
  }
}
