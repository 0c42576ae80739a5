import type { Plugin } from '@envelop/core';
import type { ExecutionArgs } from 'graphql';
import type { OperationScope, Pipeline } from '../pipeline.ts';
import { withCost } from '../pipeline.ts';

/** What the transport puts into the context before the pipeline starts. */
export interface OperationContext {
  readonly operation: OperationScope;
}

/**
 * The pipeline as an envelop plugin: the same hooks run for HTTP, SSE and WebSocket. Other plugins (access, budget,
 * tracing) go around it; one that stops an operation in `onExecute` or `onSubscribe` must come before this one.
 */
export function useOperationPipeline(pipeline: Pipeline): Plugin<OperationContext> {
  return {
    onParse({ context, params, setParsedDocument }) {
      const prepared = pipeline.prepare(String(params.source));
      context.operation.prepared = prepared;
      if (!prepared.document) throw prepared.errors[0];
      setParsedDocument(prepared.document);
    },
    onValidate({ context, setResult }) {
      setResult([...(context.operation.prepared?.errors ?? [])]);
    },
    onExecute({ args, executeFn, setExecuteFn, setResultAndStopExecution }) {
      const { operation } = args.contextValue;
      const errors = admissionErrors(pipeline, args, operation);
      if (errors.length > 0) setResultAndStopExecution(withCost({ errors }, operation));
      else setExecuteFn(((given: ExecutionArgs) => pipeline.run(given, operation)) as typeof executeFn);
    },
    onSubscribe({ args, subscribeFn, setSubscribeFn, setResultAndStopExecution }) {
      const { operation } = args.contextValue;
      const errors = admissionErrors(pipeline, args, operation);
      if (errors.length > 0) setResultAndStopExecution(withCost({ errors }, operation) as never);
      else setSubscribeFn(((given: ExecutionArgs) => pipeline.stream(given, operation)) as typeof subscribeFn);
    },
  };
}

function admissionErrors(pipeline: Pipeline, args: ExecutionArgs, scope: OperationScope) {
  if (!scope.prepared) throw new Error('an operation is parsed before it is executed');
  const operation = pipeline.pick(scope.prepared, args.operationName);
  scope.admission = pipeline.admit(scope.prepared, operation, args.variableValues);
  return scope.admission.errors;
}
