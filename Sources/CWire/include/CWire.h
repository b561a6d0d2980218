void shoal_wire_anchor(void);
