/** The module that Node can load has no type declarations; these are the package's. */
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
