void shoal_kernels_anchor(void);
