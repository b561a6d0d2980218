void shoal_builtin_anchor(void);
