/** The module that Node can load carries no types of its own; the package's are these. */
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
