import 'reflect-metadata';

import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { AppModule } from './app.module.js';
import { Settings } from './settings.js';
import { whatToTry } from './what-to-try.js';

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { abortOnError: false });
  // On Ctrl-C: requests end first, then connections are closed, then the process exits with 0.
  app.enableShutdownHooks(undefined, { useProcessExit: true });
  try {
    await listen(app);
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function listen(app: INestApplication): Promise<void> {
  const { port, redisUrl } = app.get(Settings);
  try {
    await app.listen(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`Port ${port} is in use. Name another one; PORT=0 takes any that is free.`, {
      cause: error,
    });
  }
  const { port: actual } = app.getHttpServer().address() as { port: number };
  console.log(whatToTry(`http://localhost:${actual}`, redisUrl));
}

main().catch((error: unknown) => {
  console.error(`\nThe sample cannot start. ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
